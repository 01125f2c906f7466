import type { CatalogueEntry } from '#contracts/model.ts'
import { pullModel } from '../../server/models/pull.ts'
import type { SourceSettings } from '../../server/models/sources/choose.ts'
import { createModelStore } from '../../server/models/store.ts'
import { catalogueOf, silent } from './fixtures.ts'

// A process of its own that pulls one model and tells its parent how it goes.
const [folder, entryText, sourcesText] = process.argv.slice(2)
const entry = JSON.parse(entryText ?? '') as CatalogueEntry
const store = createModelStore({ folder: folder ?? '', catalogue: catalogueOf(entry), log: silent })
const onProgress = ({ received }: { received: number }) => process.send?.({ received })
const model = await pullModel({ entry, store, sources: JSON.parse(sourcesText ?? '') as SourceSettings, log: silent, onProgress })
process.send?.({ ended: model.files[0]?.path })
process.disconnect?.()
