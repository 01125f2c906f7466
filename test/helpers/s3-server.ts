import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { type Ending, onEnd } from './on-end.ts'
import { until } from './processes.ts'

export type S3Server = { endpoint: string; accessKeyId: string; secretAccessKey: string }

/** Where versitygw is kept between runs; it takes Go a minute or two to make it. */
const tools = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'outpost-tests')

/** Absolute path of a real S3 server, made by Go where it is not there yet; a string of the reason where it cannot be had. */
export function findS3Server(): { file: string } | { reason: string } {
  const file = join(tools, 'versitygw')
  if (existsSync(file)) return { file }
  if (spawnSync('go', ['version']).status !== 0) return { reason: 'there is no Go on this machine to make versitygw with' }
  mkdirSync(tools, { recursive: true })
  process.stderr.write('Making versitygw, a real S3 server, for the tests …\n')
  const made = spawnSync('go', ['install', 'github.com/versity/versitygw/cmd/versitygw@latest'], {
    env: { ...process.env, GOBIN: tools },
    encoding: 'utf8'
  })
  return existsSync(file) ? { file } : { reason: `Go could not make versitygw: ${made.stderr.trim().split('\n').at(-1)}` }
}

/** Serves a folder: each folder in it is a bucket. */
export async function startS3Server(t: Ending, file: string, folder: string): Promise<S3Server> {
  const port = await freePort()
  const [accessKeyId, secretAccessKey] = ['outpost-test', 'outpost-test-secret']
  const child = spawn(
    file,
    ['--port', `127.0.0.1:${port}`, '--access', accessKeyId, '--secret', secretAccessKey, '--region', 'us-east-1', 'posix', '--nometa', folder],
    {
      stdio: 'ignore'
    }
  )
  onEnd(t, async () => {
    if (child.exitCode === null) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
  })
  const endpoint = `http://127.0.0.1:${port}`
  await until(
    () =>
      fetch(endpoint).then(
        () => true,
        () => false
      ),
    'the S3 server answers'
  )
  return { endpoint, accessKeyId, secretAccessKey }
}
