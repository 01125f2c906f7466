import { chatWeights, embeddingWeights } from './weights.ts'

// Called by `server/setup.mjs --for-tests`, so that the download is seen as one and not inside some test.
process.stderr.write('Getting the models for the tests …\n')
try {
  await chatWeights()
  if ((await embeddingWeights()) === undefined)
    process.stderr.write('No mirror has the embedding model; tests that need it use none (set OUTPOST_MIRRORS).\n')
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}
