import { createGuardedFetch } from '../../../server/plans/tools/guarded-fetch.ts'
import { createAddressGuard } from '../../../server/plans/webhooks/address-guard.ts'

/** Reaches this machine, where tests have their servers. */
export const openFetch = createGuardedFetch(createAddressGuard({ airGap: false, lanAllow: [] }))

/** Reaches nothing on this machine. */
export const closedFetch = createGuardedFetch(createAddressGuard({ airGap: false, lanAllow: ['10.9.9.9'] }))
