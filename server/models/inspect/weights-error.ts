/** What is wrong with a file of weights, in words that follow the file's name. */
export class WeightsError extends Error {
  override readonly name: string = 'WeightsError'
}
