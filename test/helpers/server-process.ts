import { startTestServer } from './server.ts'

// For `server.test.ts`: a process with a server, to be killed.
await startTestServer({ after: () => {} })
process.send?.('ready')
