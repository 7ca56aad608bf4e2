"""SPL Token: before, apply, booked, after."""

from struct import pack

from hand_ledger import Call, check, decode_all, key
from test_system_ledger import create, transfer
from token_calls import RENT, burn, close, mint_to, open_account, send, send_checked, set_authority, sync


def test_transfers_name_the_owners() -> None:
    check(
        before="""
            alice   1000000
            boxa    2039280  usdc  1000  alice
            boxb    2039280  usdc     5  bob
        """,
        apply=[send("boxa", "boxb", 300), send_checked("boxa", "usdc", "boxb", 1), send("boxa", "boxa", 9)],
        booked="""
            0  boxa  usdc  -300  transfer of alice
            0  boxb  usdc  +300  transfer of bob
            1  boxa  usdc    -1  transfer of alice
            1  boxb  usdc    +1  transfer of bob
        """,
        after="""
            alice   995000
            boxa   2039280  usdc  699  alice
            boxb   2039280  usdc  306  bob
        """,
        did="""
            0  transfer  alice → bob  usdc  300
            1  transfer  alice → bob  usdc  1
        """,
    )


def test_mint_and_burn_are_against_supply() -> None:
    check(
        before="""
            alice   1000000
            boxa    2039280  meme  10  alice
        """,
        apply=[mint_to("meme", "boxa", 500), burn("boxa", "meme", 30)],
        booked="""
            0  boxa      meme  +500  mint of alice
            0  (supply)  meme  -500  mint
            1  boxa      meme   -30  burn of alice
            1  (supply)  meme   +30  burn
        """,
        after="""
            alice   995000
            boxa   2039280  meme  480  alice
        """,
        did="""
            0  mint  alice  meme  500
            1  burn  alice  meme  30
        """,
    )


def test_ata_create_and_create_idempotent() -> None:
    made = [create("alice", "boxb", RENT, "token"), open_account("boxb", "usdc", "bob")]
    ata = Call("ata", "alice boxb bob usdc system token", b"\x00", calls=made)
    again = Call("ata", "alice boxb bob usdc system token", b"\x01")
    check(
        before="alice  10000000",
        apply=[ata, again],
        booked="""
            0.0  alice  lamports  -2039280  rent
            0.0  boxb   lamports  +2039280  rent of bob
        """,
        after="""
            alice  7955720
            boxb   2039280  usdc  0  bob
        """,
        did="0.0  account_open  alice → boxb  lamports  2039280",
    )


def test_ata_recover_nested_sends_the_tokens_up_and_closes_the_nested_account() -> None:
    inner = [send_checked("nested", "usdc", "boxa", 70), close("nested", "alice")]
    check(
        before="""
            alice     10000
            outerbox  2039280  meme  0   alice
            nested    2039280  usdc  70  outerbox
            boxa      2039280  usdc  0   alice
        """,
        apply=[Call("ata", "nested usdc outerbox boxa", b"\x02", calls=inner)],
        booked="""
            0.0  nested  usdc          -70  transfer of outerbox
            0.0  boxa    usdc          +70  transfer of alice
            0.1  nested  lamports -2039280  rent of outerbox
            0.1  alice   lamports +2039280  rent
        """,
        after="""
            alice     2044280
            outerbox  2039280  meme  0   alice
            boxa      2039280  usdc  70  alice
        """,
        did="""
            0.0  transfer       outerbox → alice  usdc      70
            0.1  account_close  outerbox → alice  lamports  2039280
        """,
    )


def test_wrap_in_a_standing_account() -> None:
    check(
        before="""
            alice  10000000
            wbox    2039480  wsol  200  alice
        """,
        apply=[transfer("alice", "wbox", 1_000), sync("wbox"), sync("wbox")],
        booked="""
            0  alice   lamports  -1000  transfer
            0  wbox    lamports  +1000  transfer of alice
            1  wbox    wsol      +1000  wrap of alice
            1  (wrap)  wsol      -1000  wrap
        """,
        after="""
            alice  9994000
            wbox   2040480  wsol  1200  alice
        """,
        did="""
            1  wrap  alice  wsol  1000
        """,
    )


def test_unwrap_by_closing_gives_amount_and_rent() -> None:
    check(
        before="""
            alice    10000
            wbox   2040480  wsol  1200  alice
        """,
        apply=[close("wbox", "alice")],
        booked="""
            0  (wrap)  wsol         +1200  unwrap
            0  wbox    wsol         -1200  unwrap of alice
            0  wbox    lamports     -1200  unwrap of alice
            0  alice   lamports     +1200  unwrap
            0  wbox    lamports  -2039280  rent of alice
            0  alice   lamports  +2039280  rent
        """,
        after="alice  2045480",
        did="""
            0  unwrap         alice          wsol      1200
            0  account_close  alice → alice  lamports  2039280
        """,
    )


def test_a_wrapped_account_that_lives_and_dies_in_one_transaction() -> None:
    check(
        before="""
            alice  10000000
            boxb    2039280  wsol  0  bob
        """,
        apply=[
            create("alice", "temp", RENT + 700, "token"),
            open_account("temp", "wsol", "alice"),
            send("temp", "boxb", 600),
            close("temp", "alice"),
        ],
        booked="""
            0  alice   lamports      -700  transfer
            0  temp    lamports      +700  transfer of alice
            0  alice   lamports  -2039280  rent
            0  temp    lamports  +2039280  rent of alice
            1  temp    wsol          +700  wrap of alice
            1  (wrap)  wsol          -700  wrap
            2  temp    wsol          -600  transfer of alice
            2  boxb    wsol          +600  transfer of bob
            2  temp    lamports      -600  transfer of alice
            2  boxb    lamports      +600  transfer of bob
            3  (wrap)  wsol          +100  unwrap
            3  temp    wsol          -100  unwrap of alice
            3  temp    lamports      -100  unwrap of alice
            3  alice   lamports      +100  unwrap
            3  temp    lamports  -2039280  rent of alice
            3  alice   lamports  +2039280  rent
        """,
        after="""
            alice  9994400
            boxb   2039880  wsol  600  bob
        """,
        did="""
            0  account_open   alice → temp   lamports  2039280
            1  wrap           alice          wsol      700
            2  transfer       alice → bob    wsol      600
            3  unwrap         alice          wsol      100
            3  account_close  alice → alice  lamports  2039280
        """,
    )


def test_unwrap_lamports_without_closing_some_and_all() -> None:
    some = Call("token", "wbox bob alice", b"\x2d\x01" + pack("<Q", 150))
    rest = Call("token", "wbox bob alice", b"\x2d\x00")
    check(
        before="""
            alice    10000
            wbox   2039480  wsol  200  alice
        """,
        apply=[some, rest],
        booked="""
            0  wbox    wsol      -150  unwrap of alice
            0  (wrap)  wsol      +150  unwrap
            0  wbox    lamports  -150  unwrap of alice
            0  bob     lamports  +150  unwrap
            1  wbox    wsol       -50  unwrap of alice
            1  (wrap)  wsol       +50  unwrap
            1  wbox    lamports   -50  unwrap of alice
            1  bob     lamports   +50  unwrap
        """,
        after="""
            alice     5000
            wbox   2039280  wsol  0  alice
            bob        200
        """,
        did="""
            0  unwrap  alice  wsol  150
            1  unwrap  alice  wsol  50
        """,
    )


def test_set_authority_of_the_owner_hands_over_all_that_is_in_the_account() -> None:
    check(
        before="""
            alice    10000
            boxa   2039280  usdc  80  alice
            boxb   2039280  usdc  0   bob
        """,
        apply=[set_authority("boxa", 2, "accountOwner", "bob"), send("boxa", "boxb", 30)],
        booked="""
            0  boxa  usdc           -80  owner_change of alice
            0  boxa  lamports  -2039280  owner_change of alice
            0  boxa  usdc           +80  owner_change of bob
            0  boxa  lamports  +2039280  owner_change of bob
            1  boxa  usdc           -30  transfer of bob
            1  boxb  usdc           +30  transfer of bob
        """,
        after="""
            alice     5000
            boxa   2039280  usdc  50  bob
            boxb   2039280  usdc  30  bob
        """,
        did="""
            0  owner_change   alice → bob  usdc  80
            1  self_transfer  bob → bob    usdc  30
        """,
    )


def test_set_authority_of_anything_else_moves_nothing() -> None:
    check(
        before="""
            alice    10000
            boxa   2039280  usdc  80  alice
        """,
        apply=[set_authority("boxa", 3, "closeAccount", "bob"), set_authority("boxa", 3, "closeAccount", None)],
        booked="",
        after="""
            alice     5000
            boxa   2039280  usdc  80  alice
        """,
        did="",
    )


def test_batch_runs_its_parts_in_order() -> None:
    parts = [(3, pack("<BQ", 3, 10)), (3, pack("<BQ", 3, 10)), (3, b"\x09")]
    data = b"\xff" + b"".join(bytes([count, len(part)]) + part for count, part in parts)
    check(
        before="""
            alice    10000
            boxa   2039280  usdc  20  alice
            boxb   2039280  usdc  0   bob
            boxc   2039280  usdc  0   carol
        """,
        apply=[Call("token", "boxa boxb alice boxa boxc alice boxa alice alice", data)],
        booked="""
            0  boxa   usdc           -10  transfer of alice
            0  boxb   usdc           +10  transfer of bob
            0  boxa   usdc           -10  transfer of alice
            0  boxc   usdc           +10  transfer of carol
            0  boxa   lamports  -2039280  rent of alice
            0  alice  lamports  +2039280  rent
        """,
        after="""
            alice  2044280
            boxb   2039280  usdc  10  bob
            boxc   2039280  usdc  10  carol
        """,
        did="""
            0  transfer       alice → bob    usdc      10
            0  transfer       alice → carol  usdc      10
            0  account_close  alice → alice  lamports  2039280
        """,
    )


def test_an_account_closed_and_opened_again_for_another_mint() -> None:
    decoded = check(
        before="""
            alice  10000000
            boxa    2039280  usdc  4  alice
            boxb    2039280  usdc  0  bob
        """,
        apply=[
            send("boxa", "boxb", 4),
            close("boxa", "alice"),
            create("alice", "boxa", RENT, "token"),
            open_account("boxa", "meme", "carol"),
            mint_to("meme", "boxa", 3),
        ],
        booked="""
            0  boxa      usdc            -4  transfer of alice
            0  boxb      usdc            +4  transfer of bob
            1  boxa      lamports  -2039280  rent of alice
            1  alice     lamports  +2039280  rent
            2  alice     lamports  -2039280  rent
            2  boxa      lamports  +2039280  rent of carol
            4  boxa      meme            +3  mint of carol
            4  (supply)  meme            -3  mint
        """,
        after="""
            alice  9995000
            boxa   2039280  meme  3  carol
            boxb   2039280  usdc  4  bob
        """,
        did="""
            0  transfer       alice → bob    usdc      4
            1  account_close  alice → alice  lamports  2039280
            2  account_open   alice → boxa   lamports  2039280
            4  mint           carol          meme      3
        """,
    )
    assert not decoded.has_residual


def test_a_failed_transaction_moves_nothing_but_its_fee() -> None:
    lines = "alice  10000\nboxa  2039280  usdc  5  alice\nboxb  2039280  usdc  0  bob"
    failed = decode_all(
        lines, [send("boxa", "boxb", 5)], lines.replace("10000", "5000"), error={"InstructionError": [0, "Custom"]}
    )
    assert [(move.path, move.delta_raw) for move in failed.moves] == [("fee", -5_000), ("fee", 5_000)]
    assert [action.kind for action in failed.actions] == ["fee"]


def test_decimals_are_known_from_a_mint_that_is_opened() -> None:
    opened = Call(
        "token", "meme", b"\x14\x07" + key("alice") + b"\x00", ("initializeMint2", {"mint": "meme", "decimals": 7})
    )
    decoded = check(before="alice 10000", apply=[opened], booked="", after="alice 5000", did="")
    assert list(decoded.decimals.values()) == [7]
