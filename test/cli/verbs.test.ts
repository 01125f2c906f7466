import assert from 'node:assert/strict'
import test from 'node:test'
import { isVerb, usage, verbs } from '../../server/cli/verbs.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { outpost } from './outpost.ts'

test('every verb is in the overview and has help of its own', () => {
  for (const [name, { help }] of Object.entries(verbs)) {
    assert.match(usage(), new RegExp(`^  ${name} `, 'm'))
    assert.match(help, new RegExp(`^Usage: outpost ${name}\\b`))
  }
  assert.equal(isVerb('toString'), false)
})

test('--help of a verb needs no server and ends with 0', async (t) => {
  const { code, stdout } = await outpost(t, ['keys', 'create', '--help'], { home: temporaryFolder(t) })
  assert.equal(code, 0)
  assert.equal(stdout, verbs.keys.help)
})

test('wrong usage ends with 2 and says what is wrong', async (t) => {
  const home = temporaryFolder(t)
  const wrong: [args: string[], message: string][] = [
    [[], ''],
    [['sing'], 'no verb "sing"'],
    [['list', '--colour'], "Unknown option '--colour'"],
    [['pull', 'a', 'b'], 'one MODEL is wanted, got 2'],
    [['load'], 'MODEL is missing'],
    [['unload', 'a', 'b'], 'one MODEL is wanted, got 2'],
    [['run', 'fake', 'hi', '--temperature', 'hot'], '--temperature must be 0–2, got "hot"'],
    [['keys', 'create', 'app', '--role', 'king'], '--role must be user or administrator or project, got "king"']
  ]
  await Promise.all(
    wrong.map(async ([args, message]) => {
      const { code, stderr } = await outpost(t, args, { home })
      assert.equal(code, 2, args.join(' '))
      assert.ok(stderr.includes(message), stderr)
    })
  )
})

test('without a server, what needs one ends with 1 and says how to start it', async (t) => {
  const home = temporaryFolder(t)
  const { code, stdout, stderr } = await outpost(t, ['status'], { home })
  assert.equal(code, 1)
  assert.equal(stdout, '')
  assert.equal(
    stderr,
    `outpost: no server runs with the home folder ${home}: start it with npm start (or set OUTPOST_URL to one that runs elsewhere)\n`
  )
})

test('a setting that cannot be used ends with 1 and one line that names it', async (t) => {
  const { code, stderr } = await outpost(t, ['list'], { home: temporaryFolder(t), env: { OUTPOST_PORT: 'many' } })
  assert.equal(code, 1)
  assert.match(stderr, /^outpost: OUTPOST_PORT: .*"many"\n$/)
})
