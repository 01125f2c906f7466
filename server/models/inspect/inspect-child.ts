import { AppError } from '../../errors.ts'
import { readWeights, type WeightsFile } from './read-weights.ts'

// A program of its own: see `inspectWeights`. What it may read is decided by who starts it.
process.once('message', (files: WeightsFile[]) => {
  try {
    process.send?.({ description: readWeights(files) }, () => process.exit(0))
  } catch (error) {
    const refusal = error instanceof AppError ? { code: error.code, message: error.message } : { code: 'weights_corrupt', message: String(error) }
    process.send?.({ refusal }, () => process.exit(0))
  }
})
// Nobody is left to hear the answer.
process.once('disconnect', () => process.exit(0))
