"""System, memo and Compute Budget: before, apply, booked, after."""

from struct import pack

from hand_ledger import Call, check, key


def transfer(source: str, destination: str, lamports: int) -> Call:
    words = ("transfer", {"source": source, "destination": destination, "lamports": lamports})
    return Call("system", f"{source} {destination}", pack("<IQ", 2, lamports), words)


def create(funder: str, created: str, lamports: int, owner: str) -> Call:
    info = {"source": funder, "newAccount": created, "lamports": lamports, "space": 165, "owner": owner}
    return Call("system", f"{funder} {created}", pack("<IQQ", 0, lamports, 165) + key(owner), ("createAccount", info))


def test_transfer() -> None:
    check(
        before="""
            alice   1000000
            bob          10
        """,
        apply=[transfer("alice", "bob", 400)],
        booked="""
            0  alice  lamports  -400  transfer
            0  bob    lamports  +400  transfer
        """,
        after="""
            alice   994600
            bob        410
        """,
        did="0  transfer  alice → bob  lamports  400",
    )


def test_transfer_to_a_tip_account_is_a_tip_and_one_to_oneself_is_nothing() -> None:
    check(
        before="alice  1000000",
        apply=[transfer("alice", "alice", 77), transfer("alice", "jito", 1_000)],
        booked="""
            1  alice  lamports  -1000  tip
            1  jito   lamports  +1000  tip
        """,
        after="""
            alice   994000
            jito      1000
        """,
        did="1  tip  alice → jito  lamports  1000",
    )


def test_transfer_with_seed_comes_from_the_derived_account() -> None:
    seed = b"rent"
    data = pack("<IQQ", 11, 500, len(seed)) + seed + key("system")
    info = {"source": "derived", "sourceBase": "alice", "destination": "bob", "lamports": 500, "sourceSeed": "alice"}
    check(
        before="""
            alice    1000000
            derived      500
        """,
        apply=[Call("system", "derived alice bob", data, ("transferWithSeed", info))],
        booked="""
            0  derived  lamports  -500  transfer
            0  bob      lamports  +500  transfer
        """,
        after="""
            alice    995000
            bob         500
        """,
        did="0  transfer  derived → bob  lamports  500",
    )


def test_create_account_is_rent() -> None:
    check(
        before="alice  10000000",
        apply=[create("alice", "box", 2_039_280, "program")],
        booked="""
            0  alice  lamports  -2039280  rent
            0  box    lamports  +2039280  rent
        """,
        after="""
            alice  7955720
            box    2039280
        """,
        did="0  account_open  alice → box  lamports  2039280",
    )


def test_create_with_seed() -> None:
    seed = b"wrap 1"
    data = pack("<I", 3) + key("alice") + pack("<Q", len(seed)) + seed + pack("<QQ", 900, 8) + key("program")
    info = {"source": "alice", "newAccount": "box", "base": "alice", "seed": "wrap 1", "lamports": 900}
    words = ("createAccountWithSeed", info | {"space": 8, "owner": "program"})
    check(
        before="alice  10000",
        apply=[Call("system", "alice box", data, words)],
        booked="""
            0  alice  lamports  -900  rent
            0  box    lamports  +900  rent
        """,
        after="""
            alice  4100
            box     900
        """,
        did="0  account_open  alice → box  lamports  900",
    )


def test_create_over_lamports_that_are_there_already() -> None:
    with_funder = pack("<IQQ", 13, 100, 8) + key("program")
    without = pack("<IQQ", 13, 0, 8) + key("program")
    check(
        before="""
            alice  10000
            box      800
            paid     900
        """,
        apply=[Call("system", "box alice", with_funder), Call("system", "paid", without)],
        booked="""
            0  alice  lamports  -100  rent
            0  box    lamports  +100  rent
        """,
        after="""
            alice  4900
            box     900
            paid    900
        """,
        did="0  account_open  alice → box  lamports  100",
    )


def test_top_up_of_an_account_that_a_program_then_takes_is_rent() -> None:
    allocate = Call("system", "box", pack("<IQ", 8, 165), ("allocate", {"account": "box", "space": 165}))
    assign = Call("system", "box", pack("<I", 1) + key("token"), ("assign", {"account": "box", "owner": "token"}))
    check(
        before="""
            alice  10000000
            box           1
        """,
        apply=[Call("ata", "alice box", b"\x01", calls=[transfer("alice", "box", 2_039_279), allocate, assign])],
        booked="""
            0.0  alice  lamports  -2039279  rent
            0.0  box    lamports  +2039279  rent
        """,
        after="""
            alice  7955721
            box    2039280
        """,
        did="0.0  account_open  alice → box  lamports  2039279",
    )


def withdraw_nonce(lamports: int) -> Call:
    info = {"nonceAccount": "nonce", "destination": "alice", "lamports": lamports, "nonceAuthority": "alice"}
    return Call("system", "nonce alice", pack("<IQ", 5, lamports), ("withdrawFromNonce", info))


def test_nonce_advance_moves_nothing_and_a_full_withdrawal_gives_the_rent_back() -> None:
    advance = Call("system", "nonce alice", pack("<I", 4), ("advanceNonce", {"nonceAccount": "nonce"}))
    check(
        before="""
            alice    10000
            nonce  1447680
        """,
        apply=[advance, withdraw_nonce(1_447_680)],
        booked="""
            1  nonce  lamports  -1447680  rent
            1  alice  lamports  +1447680  rent
        """,
        after="alice  1452680",
        did="1  account_close  nonce → alice  lamports  1447680",
    )


def test_nonce_withdrawal_in_part_is_a_transfer() -> None:
    check(
        before="""
            alice    10000
            nonce  1447780
        """,
        apply=[withdraw_nonce(100)],
        booked="""
            0  nonce  lamports  -100  transfer
            0  alice  lamports  +100  transfer
        """,
        after="""
            alice     5100
            nonce  1447680
        """,
        did="0  transfer  nonce → alice  lamports  100",
    )


def test_memo_and_budget_move_nothing() -> None:
    decoded = check(
        before="alice  10000",
        apply=[Call("budget", "", pack("<BI", 2, 200_000)), Call("memo", "alice", b"hello")],
        booked="",
        after="alice  5000",
        did="",
    )
    assert decoded.unread == []


def test_what_a_program_pays_out_of_an_account_that_another_call_was_given_too_is_residual() -> None:
    """Which of the two calls moved it cannot be told; of one call alone test_passed_on says more."""
    check(
        before="""
            alice     10000
            pdavault   5000
        """,
        apply=[Call("program", "pdavault alice", b"\x09"), Call("program", "pdavault", b"\x0a")],
        booked="""
            residual  alice     lamports  +300  residual
            residual  pdavault  lamports  -300  residual
        """,
        after="""
            alice     5300
            pdavault  4700
        """,
        did="residual  residual  alice  lamports  300",
    )


def test_data_cut_short_is_unread_and_its_effect_residual() -> None:
    decoded = check(
        before="""
            alice  10000
            bob        0
        """,
        apply=[Call("system", "alice bob", pack("<IH", 2, 5))],
        booked="""
            residual  alice  lamports  -5  residual
            residual  bob    lamports  +5  residual
        """,
        after="""
            alice  4995
            bob       5
        """,
        did="residual  residual  alice  lamports  5",
    )
    assert decoded.unread == ["0"]
