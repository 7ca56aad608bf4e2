"""pump fees: tells the pump programs their fee rates, and keeps fees for accounts on other networks and for donations.

A fee kept for somebody known by a name elsewhere lies as lamports in an account of this program, which pays them out by no
instruction; fees in a token are paid by a token transfer.
"""

from collections.abc import Iterable

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Claim, Fact
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.operations import MoveLamports, Operation
from oof_pipelines.decode.program import OTHER, Arguments, Program, event, instruction, quiet
from oof_pipelines.decode.pump_curve import quote_mint_of
from oof_pipelines.decode.records import Record


def _social_fee(call: Call) -> Iterable[Fact]:
    told = call.event("SocialFeePdaClaimed")
    if told is None:
        raise LayoutError(f"{call.layout.name} told no SocialFeePdaClaimed")
    if told["amount_claimed"]:
        yield Claim(
            call.path,
            call.instruction.program_id,
            call.program.name,
            "creator_fee_claim",
            call.account("recipient"),
            quote_mint_of(told),
            told["amount_claimed"],
        )


def _paid_to_recipient(told: Record, arguments: Arguments) -> list[Operation]:
    if quote_mint_of(told) != NATIVE_MINT or not told["amount_claimed"]:
        return []
    return [MoveLamports(arguments.account("social_fee_pda"), arguments.account("recipient"), told["amount_claimed"])]


_OTHER_EVENTS = (
    "CreateFeeSharingConfigEvent DonationFeePdaCranked DonationFeePdaCreated ExtendFeeConfigEvent"
    " InitializeFeeConfigEvent InitializeFeeProgramGlobalEvent ResetFeeSharingConfigEvent SetAuthorityEvent"
    " SetClaimRateLimitEvent SetDisableFlagsEvent SetExoticFlatFeesEvent SetSocialClaimAuthorityEvent"
    " SocialFeePdaCreated SweepBuybackEvent UpdateAdminEvent UpdateFeeConfigEvent UpdateFeeSharesEvent"
    " UpdateStableFeeConfigEvent UpsertFeeTiersEvent UpsertStableFeeTiersEvent"
)

PROGRAM = Program(
    name="pump_fees",
    role=OTHER,
    program_ids=("pfeeUxB6jkeY1Hxd7CsFCAjcbHA9rWtchMGdZ6VojVZ",),
    source="Anchor IDL of pump_fees 0.1.0 (github.com/pump-fun/pump-public-docs, May 2026; @pump-fun/pump-sdk 2.0.0)",
    instructions=(
        instruction("claim_social_fee_pda", "recipient social_fee_pda", "user_id:string platform:u8", read=_social_fee),
        instruction(
            "claim_social_fee_pda_v2",
            "recipient social_fee_pda quote_mint associated_social_fee_pda associated_recipient",
            "user_id:string platform:u8",
            read=_social_fee,
        ),
        *quiet(
            "admin_cto_sharing_config crank_donation_fee_pda create_donation_fee_pda create_fee_sharing_config"
            " create_social_fee_pda extend_fee_config get_fees get_fees_with_quote_mint initialize_buyback"
            " initialize_fee_config initialize_fee_program_global reset_fee_sharing_config reset_fee_sharing_config_v2"
            " revoke_fee_sharing_authority set_authority set_claim_rate_limit set_disable_flags set_exotic_flat_fees"
            " set_social_claim_authority sweep_buyback transfer_fee_sharing_authority update_admin"
            " update_buyback_authority update_buyback_claim_rate_limit update_fee_config update_fee_shares"
            " update_fee_shares_v2 update_stable_fee_config upsert_fee_tiers upsert_stable_fee_tiers"
        ),
    ),
    events=(
        event(
            "SocialFeePdaClaimed",
            "timestamp:i64 user_id:string platform:u8 social_fee_pda:pubkey recipient:pubkey"
            " social_claim_authority:pubkey amount_claimed:u64 claimable_before:u64 lifetime_claimed:u64"
            " recipient_balance_before:u64 recipient_balance_after:u64 quote_mint:pubkey lifetime_stable_claimed:u64",
            debits=_paid_to_recipient,
        ),
        *(event(name, "") for name in _OTHER_EVENTS.split()),
    ),
    is_proven=False,
)
