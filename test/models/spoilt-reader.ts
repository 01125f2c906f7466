import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import type { WeightsFile } from '../../server/models/inspect/inspect.ts'

// Stands in for the process that reads headers, and does what a crafted file might make it do: the first file's name says what.
const attempt = (what: () => unknown): string => {
  try {
    what()
    return 'done'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'failed'
  }
}

const behaviours: Record<string, (path: string) => void> = {
  hang: () => {
    for (;;);
  },
  abort: () => process.abort(),
  exit: () => process.exit(3),
  heap: () => {
    const kept: number[][] = []
    for (;;) kept.push(new Array(100_000).fill(0))
  },
  nonsense: () => process.send?.({ description: { architecture: 1 } }),
  rights: (path) => {
    const rights = {
      environment: Object.keys(process.env).sort(),
      readWeights: attempt(() => readFileSync(path)),
      readElsewhere: attempt(() => readFileSync('/etc/hostname')),
      write: attempt(() => writeFileSync(`${path}.new`, 'x')),
      run: attempt(() => {
        const { error } = spawnSync('true')
        if (error !== undefined) throw error
      })
    }
    process.send?.({ refusal: { code: 'weights_corrupt', message: JSON.stringify(rights) } })
  }
}

process.once('message', ([file]: WeightsFile[]) => {
  if (file !== undefined) behaviours[file.name]?.(file.path)
})
