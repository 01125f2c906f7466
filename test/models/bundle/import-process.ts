import { writeSync } from 'node:fs'
import { importTo, newHome } from './fixtures.ts'

// A process of its own that imports a bundle, says how it goes, and kills itself in the middle of it where it is told to.
const [folder = '', path = '', killAfter = 'Infinity', moment = '0'] = process.argv.slice(2)
const kill = () => process.kill(process.pid, 'SIGKILL')
let before = 0
let current = ''
let inFile = 0

await importTo(newHome(folder), path, {
  allowUnsigned: true,
  onProgress: ({ file, received, copied }) => {
    // What is written to a pipe at once survives the end.
    writeSync(1, `${JSON.stringify({ file, received, copied })}\n`)
    if (file !== current) before += inFile
    current = file
    inFile = copied
    if (before + inFile < Number(killAfter)) return
    // At once, while the next chunk is being written, or a little later in its work.
    if (moment === '0') kill()
    else if (moment === '1') setImmediate(kill)
    else setImmediate(() => setImmediate(kill))
  }
})
writeSync(1, '"ended"\n')
