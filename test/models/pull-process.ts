import type { CatalogueEntry } from '#contracts/model.ts'
import { pullModel } from '../../server/models/pull/pull.ts'
import type { PullLimits } from '../../server/models/pull/pull-limits.ts'
import { createRateLimit } from '../../server/models/pull/rate-limit.ts'
import type { SourceSettings } from '../../server/models/sources/choose.ts'
import { createModelStore } from '../../server/models/store/store.ts'
import { catalogueOf, silent } from './fixtures.ts'

// A process of its own that pulls one model and tells its parent how it goes.
const [folder, entryText, sourcesText, limitsText = '{}', rateText] = process.argv.slice(2)
const entry = JSON.parse(entryText ?? '') as CatalogueEntry
const store = createModelStore({ folder: folder ?? '', catalogue: catalogueOf(entry), log: silent })
const model = await pullModel({
  entry,
  store,
  sources: JSON.parse(sourcesText ?? '') as SourceSettings,
  limits: JSON.parse(limitsText) as Partial<PullLimits>,
  rates: rateText === undefined ? [] : [createRateLimit(Number(rateText))],
  log: silent,
  onProgress: ({ received }) => process.send?.({ received })
})
process.send?.({ ended: model.files[0]?.path })
process.disconnect?.()
