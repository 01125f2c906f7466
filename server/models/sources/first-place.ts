import { HttpRefusal } from './http-download.ts'
import { noScratch, type Source, type SourceReply, type SourceRequest, type WantedFile } from './source.ts'

/** A source with several places for a file: the first that has it is asked, and once that is known, the others are not asked again. */
export function firstPlaceSource<Place>(
  label: string,
  options: {
    /** At least one. */
    places: (file: WantedFile) => Place[]
    open: (place: Place, request: SourceRequest) => Promise<SourceReply>
    /** HTTP statuses after which the next place is asked. */
    notThere: readonly number[]
  }
): Source {
  const { places, open, notThere } = options
  let known: Place | undefined
  return {
    label,
    scratchBytes: noScratch,
    open: async (request) => {
      const candidates = known === undefined ? places(request.file) : [known]
      for (const [index, place] of candidates.entries()) {
        try {
          const reply = await open(place, request)
          known = place
          return reply
        } catch (error) {
          if (!(error instanceof HttpRefusal) || !notThere.includes(error.status) || index === candidates.length - 1) throw error
        }
      }
      throw new Error('has no address for this file')
    }
  }
}
