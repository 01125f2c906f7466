import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Policy } from '#contracts/policy.ts'
import { enforce, enforcePull, judge, matches, sourceKind } from '../../server/models/policy.ts'
import { chooseSources } from '../../server/models/sources/choose.ts'
import { entryOf, fileOf, settings, someBytes } from './fixtures.ts'

const policy = (rules: Partial<Record<keyof Policy, { allow?: string[]; deny?: string[] }>>): Policy => Policy.parse(rules)
const reason = (rules: Policy, subject: Parameters<typeof judge>[1]) => {
  const verdict = judge(rules, subject)
  return verdict.allowed ? undefined : verdict.reason
}

test('without rules everything is allowed', () => {
  assert.deepEqual(judge(policy({}), { model: { id: 'a' }, licence: 'MIT', sources: ['hf:a/b/c'], signer: null }), { allowed: true })
})

test('a model is denied by its id or an alias; deny wins over allow', () => {
  const rules = policy({ models: { allow: ['qwen*', 'llama-3'], deny: ['*uncensored*'] } })
  assert.equal(reason(rules, { model: { id: 'Qwen3-4b' } }), undefined)
  assert.equal(reason(rules, { model: { id: 'x', aliases: ['llama-3'] } }), undefined)
  assert.equal(reason(rules, { model: { id: 'qwen-uncensored-7b' } }), 'denies the model qwen-uncensored-7b (*uncensored*)')
  assert.equal(reason(rules, { model: { id: 'mistral' } }), 'does not allow the model mistral (allowed: qwen*, llama-3)')
})

test('of a choice of licences one is enough, of a conjunction all are needed', () => {
  const rules = policy({ licences: { allow: ['MIT', 'Apache-2.0'] } })
  assert.equal(reason(rules, { licence: 'mit' }), undefined)
  assert.equal(reason(rules, { licence: '(GPL-3.0-only OR MIT)' }), undefined)
  assert.match(reason(rules, { licence: 'MIT AND CC-BY-NC-4.0' }) ?? '', /licence CC-BY-NC-4\.0/)
  assert.match(reason(rules, { licence: 'NOASSERTION' }) ?? '', /licence NOASSERTION/)
  assert.match(reason(policy({ licences: { deny: ['CC-BY-NC-*'] } }), { licence: 'CC-BY-NC-4.0' }) ?? '', /denies/)
})

test('sources are judged by kind, or by kind and host; one that is allowed is enough', () => {
  const rules = policy({ sources: { allow: ['folder', 'https:*.corp.lan', 'hf:trusted'] } })
  assert.equal(reason(rules, { sources: ['/media/usb'] }), undefined)
  assert.equal(reason(rules, { sources: ['https://user:word@files.corp.lan:8443/x'] }), undefined)
  assert.equal(reason(rules, { sources: ['pip:a==1!b', 'hf:trusted/repo/file.gguf'] }), undefined)
  assert.match(reason(rules, { sources: ['https://corp.lan.evil.example/x'] }) ?? '', /weights from corp\.lan\.evil\.example/)
  assert.match(reason(rules, { sources: ['hf:other/repo/file.gguf', 'pip:a==1!b'] }) ?? '', /does not allow weights from other/)
})

test('signers are judged only where something came in a bundle', () => {
  const rules = policy({ signers: { deny: ['unsigned'] } })
  assert.equal(reason(rules, { model: { id: 'a' } }), undefined)
  assert.equal(reason(rules, { signer: 'abc' }), undefined)
  assert.equal(reason(rules, { signer: null }), 'denies unsigned bundles (unsigned)')
  assert.match(reason(policy({ signers: { allow: ['abc'] } }), { signer: 'def' }) ?? '', /signer def/)
})

test('references are read as kind and host', () => {
  const read = (source: string) => {
    const { kind, host } = sourceKind(source)
    return `${kind} ${host}`
  }
  assert.deepEqual(['hf:org/repo/x@main', 'S3://Bucket/key', 'HTTP://Host:80/x', 'pip:pack==1!x', 'file:/x', '/x', 'C:\\x', 'x'].map(read), [
    'hf org',
    's3 bucket',
    'http host',
    'pip pack',
    'file undefined',
    'folder undefined',
    'folder undefined',
    'folder undefined'
  ])
})

test('a star stands for any text and nothing else is special', () => {
  for (const [pattern, text, expected] of [
    ['*', '', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['*b*', 'abc', true],
    ['a.c', 'abc', false],
    ['a*b*c', 'aXbYbc', true],
    ['a*b*c', 'acb', false],
    ['ab', 'abc', false]
  ] as const) {
    assert.equal(matches(pattern, text), expected, `${pattern} on ${text}`)
  }
  assert.equal(matches(`${'*a'.repeat(5000)}b`, 'a'.repeat(10_000)), false, 'at once')
})

test('a refusal names the model, what it may not and the rule', () => {
  assert.throws(() => enforce(policy({ models: { deny: ['a'] } }), { model: { id: 'a' } }, 'be loaded'), {
    code: 'policy_denied',
    status: 403,
    message: 'a may not be loaded: the policy of this machine denies the model a (a). An administrator can change it: outpost policy show'
  })
})

test('a pull needs an allowed place for each of its files, and the other places are not asked', async () => {
  const rules = policy({ sources: { allow: ['folder'] } })
  const entry = entryOf([fileOf(someBytes(1), ['hf:org/repo/x.gguf'])])
  assert.throws(() => enforcePull(rules, entry, []), { code: 'policy_denied' })
  enforcePull(rules, entry, ['/media/usb'])
  const [mirror, hub] = chooseSources(entry.files[0] ?? assert.fail(), settings({ mirrors: ['/media/usb'], policy: rules }))
  assert.match(mirror?.label ?? '', /usb/)
  const request = {
    file: entry.files[0] ?? assert.fail(),
    from: 0,
    validator: undefined,
    scratch: () => '',
    signal: new AbortController().signal,
    stallMs: 1000
  }
  await assert.rejects(
    hub?.open({ ...request, onProgress: () => {} }) ?? assert.fail(),
    /not asked: the policy of this machine does not allow weights/
  )
})
