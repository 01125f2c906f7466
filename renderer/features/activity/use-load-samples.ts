import { useEffect, useState } from 'react'
import { useLive } from '../../live/live.ts'
import { loadOf } from '../../live/live-state.ts'
import { addSample, type LoadSample } from './load-samples.ts'

/** What the server has told of waiting and running since the page was opened. */
export function useLoadSamples(): readonly LoadSample[] {
  const known = useLive((state) => state.known)
  const queues = useLive((state) => state.queues)
  const [samples, setSamples] = useState<readonly LoadSample[]>([])
  useEffect(() => {
    if (!known) return
    const { waiting, running } = loadOf({ models: [], queues })
    setSamples((before) => addSample(before, { at: Date.now(), waiting, running }))
  }, [known, queues])
  return samples
}
