-- Mints as their accounts say it now: supply, authorities ('' where there is none), Token-2022 extensions.
select mint, token_program, decimals, supply_raw, mint_authority, freeze_authority, extensions, transfer_fee_bps,
       most_transfer_fee_raw, fee_from_epoch, older_fee_bps, permanent_delegate, close_authority, hook_program,
       default_state, is_paused, name, symbol, uri, slot, write_version, ts, is_final
from served_token_mints
