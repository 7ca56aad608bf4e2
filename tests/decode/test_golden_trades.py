"""Recorded transactions that trade, or tried to: the whole expected book, by signature."""

import pytest
from golden import render
from recorded_bodies import Recorded

from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import decode_transaction

GOLDEN = {
    # a failed route with a priority fee
    "43VK3TtYjN21VG13f2EPvNJxmML38GB8QbTDVtFifzeDW3LQpmLtFdLjERAKwy3k4RUe4Hizmdrj4Nyjm5vYKDBx": """
        fee fee_base lamports: 8A4A -5000, (validator_fee) +5000
        fee fee_priority lamports: 8A4A -515451, (validator_fee) +515451
        --
        fee fee 8A4A lamports 520451
    """,
    # one hop through a router
    "45rnX5RNF7X1uRiQJ6kaowaJRWoH8BTrVE1N1gVsVZdYvLMAXBpGV1B9NL2n4AFyPTkaGZA15DL3C4y6fjxtAVCh": """
        fee fee_base lamports: 3weA -5000, (validator_fee) +5000
        fee fee_priority lamports: 3weA -639, (validator_fee) +639
        2.1 transfer EPjF: 8DHV/3weA -84115879, 4Dst +84115879
        2.2 transfer USDS: DwsR -84139267, GLu3/3weA +84139267
        --
        fee fee 3weA lamports 5639
        2.1 transfer 3weA → 4Dst EPjF 84115879
        2.2 transfer DwsR → 3weA USDS 84139267
        2 swap 3weA EPjF 84115879 for USDS 84139267 on jupiter_v6
        2.0 swap_leg 3weA EPjF 84115879 for USDS 84139267 on manifest
    """,
    # wrap, swap, close
    "3QHC6GMfi2GsZaJ9pFCgRt6E3eevgvgDuULiJEPUzin86S4TUPqZoozNtptkM2iyKqiYWxd1fwFAFkTiU4QCoqfj": """
        fee fee_base lamports: 8QXH -5000, (validator_fee) +5000
        0.1 rent lamports: 8QXH -2039280, HrRx/8QXH +2039280
        1 transfer lamports: 8QXH -3853747, HrRx/8QXH +3853747
        2 wrap WSOL: HrRx/8QXH +3853747, (wrap) -3853747
        3.0 transfer WSOL: HrRx/8QXH -3853747, J445/HLnp +3853747
        3.0 transfer lamports: HrRx/8QXH -3853747, J445/HLnp +3853747
        3.1 transfer 4KCq: CWZ2/HLnp -10049442880, BC8y/8QXH +10049442880
        4 rent lamports: HrRx/8QXH -2039280, 8QXH +2039280
        --
        fee fee 8QXH lamports 5000
        0.1 account_open 8QXH → HrRx lamports 2039280
        2 wrap 8QXH WSOL 3853747
        3.0 transfer 8QXH → HLnp WSOL 3853747
        3.1 transfer HLnp → 8QXH 4KCq 10049442880
        4 account_close 8QXH → 8QXH lamports 2039280
        3 swap 8QXH WSOL 3853747 for 4KCq 10049442880 on meteora_damm_v2
    """,
    # a route that begins with a token that withholds fees
    "2bhr1FWqeL28zH1BJR1h3PxkVorh5GD3koPUgzKMKFtxUKK5k3R3UraU8YRoB5yxKDi5AZafp3Xf74AXTf9LDqWc": """
        fee fee_base lamports: E8oV -5000, (validator_fee) +5000
        fee fee_priority lamports: E8oV -4112000, (validator_fee) +4112000
        2.1 rent lamports: E8oV -2039280, 7tKH/E8oV +2039280
        3.1 transfer 7atg: 5BZ9/E8oV -358800, f2Yz/GpMZ +344448, (withheld_fees) +14352
        3.2 transfer WSOL: Gn7Z/GpMZ -15742, 2rik/HV1K +15742
        3.2 transfer lamports: Gn7Z/GpMZ -15742, 2rik/HV1K +15742
        3.4 transfer WSOL: 2rik/HV1K -15742, 8h2t/HMqa +15742
        3.4 transfer lamports: 2rik/HV1K -15742, 8h2t/HMqa +15742
        3.5 transfer ED5n: CUFK/HMqa -74619, 7tKH/E8oV +74619
        --
        fee fee E8oV lamports 4117000
        2.1 account_open E8oV → 7tKH lamports 2039280
        3.1 transfer E8oV → GpMZ 7atg 358800
        3.2 transfer GpMZ → HV1K WSOL 15742
        3.4 transfer HV1K → HMqa WSOL 15742
        3.5 transfer HMqa → E8oV ED5n 74619
        3 swap E8oV 7atg 358800 for ED5n 74619 on okx_dex
        3.0 swap_leg E8oV 7atg 358800 for WSOL 15742 on raydium_cpmm
        3.3 swap_leg HV1K WSOL 15742 for ED5n 74619 on raydium_clmm
    """,
    # a sale to a bonding curve, which pays by no instruction and tells of it at 3.1
    "3EBWPyZHcv6ZCFVY5R49JnuBp9vK1pAaT4ZymBnVJN2ZivfSs8upED9NeP6YV7GFeSRmQNVVEAFTH2mQPhjnwyxr": """
        fee fee_base lamports: CPp1 -5000, (validator_fee) +5000
        fee fee_priority lamports: CPp1 -7000000, (validator_fee) +7000000
        2 tip lamports: CPp1 -150000, 96gY +150000
        3.0 transfer FK9x: 5ewK/CPp1 -2085388338499, rYxh/3EeB +2085388338499
        3.1 transfer lamports: 3EeB -470666583, CPp1 +470666583, 3EeB -4754208, CebN +4754208
        --
        fee fee CPp1 lamports 7005000
        2 tip CPp1 → 96gY lamports 150000
        3.0 transfer CPp1 → 3EeB FK9x 2085388338499
        3.1 transfer 3EeB → CPp1 lamports 470666583
        3.1 transfer 3EeB → CebN lamports 4754208
        3 swap CPp1 FK9x 2085388338499 for WSOL 475420791 on pumpfun
    """,
    # a circle of five pools with fees withheld twice: one trade of a mint for itself
    "GCeRpjvfNXZB6BJFQChjpKycdKpRwQGS1BSwUvLjVpJj6NgdzzQACAWt89ZEfEXjeRSqzhDX8CHtzpMUnfJ7VMJ": """
        fee fee_base lamports: 46EC -5000, (validator_fee) +5000
        fee fee_priority lamports: 46EC -189, (validator_fee) +189
        2.1 rent lamports: 46EC -2039280, 3DN7/46EC +2039280
        4.1 transfer EPjF: FeYS/46EC -4439613, Gzmr/3kyV +4439613
        4.2 transfer WSOL: D2mn/3kyV -32095199, 7PSF/46EC +32095199
        4.2 transfer lamports: D2mn/3kyV -32095199, 7PSF/46EC +32095199
        4.5 transfer WSOL: 7PSF/46EC -32095199, DZ66/5Q54 +32095199
        4.5 transfer lamports: 7PSF/46EC -32095199, DZ66/5Q54 +32095199
        4.6 transfer 8m9f: 6mqN/5Q54 -10767883562, Hemn/46EC +10767883562
        4.10 transfer 8m9f: Hemn/46EC -10767883562, DJSi/7SCa +10767883562
        4.11 mint H5y8: A1RZ/HCgy +10767883562, (supply) -10767883562
        4.13 transfer 3C3p: 8dz1/5ouL -13377864233688, 3DN7/46EC +13377864233688
        4.14 burn GfEQ: HCgy -13377864233688, (supply) +13377864233688
        4.17 transfer 3C3p: 3DN7/46EC -13377864233688, 4u6B/GpMZ +13377864233688
        4.18 transfer J5tz: 6D96/GpMZ -6559652940, DkHr/46EC +6428459881, (withheld_fees) +131193059
        4.21 transfer J5tz: DkHr/46EC -6428459230, 9Lcr/Bimz +6299890045, (withheld_fees) +128569185
        4.23 transfer EPjF: jc25/Bimz -4453650, FeYS/46EC +4453650
        5.0 tip lamports: 46EC -7500, DfXy +7500
        --
        fee fee 46EC lamports 5189
        2.1 account_open 46EC → 3DN7 lamports 2039280
        4.1 transfer 46EC → 3kyV EPjF 4439613
        4.2 transfer 3kyV → 46EC WSOL 32095199
        4.5 transfer 46EC → 5Q54 WSOL 32095199
        4.6 transfer 5Q54 → 46EC 8m9f 10767883562
        4.10 transfer 46EC → 7SCa 8m9f 10767883562
        4.11 mint HCgy H5y8 10767883562
        4.13 transfer 5ouL → 46EC 3C3p 13377864233688
        4.14 burn HCgy GfEQ 13377864233688
        4.17 transfer 46EC → GpMZ 3C3p 13377864233688
        4.18 transfer GpMZ → 46EC J5tz 6559652940
        4.21 transfer 46EC → Bimz J5tz 6428459230
        4.23 transfer Bimz → 46EC EPjF 4453650
        5.0 tip 46EC → DfXy lamports 7500
        4 swap 46EC EPjF 4439613 for EPjF 4453650 on jupiter_v6
        4.0 swap_leg 46EC EPjF 4439613 for WSOL 32095199 on cropper
        4.4 swap_leg 46EC WSOL 32095199 for 8m9f 10767883562 on raydium_amm_v4
        4.8 swap_leg 46EC 8m9f 10767883562 for 3C3p 13377864233688 on meteora_damm_v1
        4.16 swap_leg 46EC 3C3p 13377864233688 for J5tz 6428459881 on raydium_cpmm
        4.20 swap_leg 46EC J5tz 6428459230 for EPjF 4453650 on fluxbeam
    """,
}


@pytest.mark.parametrize("signature", GOLDEN)
def test_golden(signature: str, by_signature: dict[str, Recorded]) -> None:
    decoded = decode_transaction(parse_transaction(by_signature[signature].body))
    assert render(decoded).splitlines() == [line.strip() for line in GOLDEN[signature].strip().splitlines()]
