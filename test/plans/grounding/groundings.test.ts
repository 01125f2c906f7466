import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createLog } from '../../../server/log.ts'
import { createGroundings } from '../../../server/plans/grounding/groundings.ts'
import type { Ungrounded } from '../../../server/plans/grounding/match-use-case.ts'
import type { Embed } from '../../../server/plans/planning/planner.ts'
import { openDatabase } from '../../../server/store/database.ts'
import { createGroundingStore } from '../../../server/store/groundings.ts'
import { createTextVectorStore } from '../../../server/store/text-vectors.ts'
import { testWithRealEmbed, wordEmbed } from '../../helpers/embedding.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { onEnd } from '../../helpers/on-end.ts'
import { shopGrounding } from '../../helpers/shop.ts'

const none: Embed = async () => undefined

function openGroundings(t: TestContext, options: { embed?: Embed; ungrounded?: Ungrounded; file?: string } = {}) {
  const db = openDatabase(options.file ?? join(temporaryFolder(t), 'outpost.db'))
  onEnd(t, () => db.close())
  return createGroundings({
    store: createGroundingStore(db),
    vectors: createTextVectorStore(db),
    embed: options.embed ?? none,
    embeddingModel: () => 'm',
    ungrounded: options.ungrounded ?? 'refuse',
    log: createLog({ level: 'silent' })
  })
}

test('a version that is there is refused, any other takes its place, and both survive a restart', (t) => {
  const file = join(temporaryFolder(t), 'outpost.db')
  const groundings = openGroundings(t, { file })
  groundings.apply('p_1', shopGrounding)
  assert.throws(() => groundings.apply('p_1', { ...shopGrounding, domain: 'other' }), {
    code: 'conflict',
    param: 'version',
    message: /already has a grounding with name shop and version 1\.0/
  })
  groundings.apply('p_1', { ...shopGrounding, version: '0.9' })
  groundings.apply('p_1', { ...shopGrounding, name: 'a-first' })
  groundings.apply('p_2', shopGrounding)
  const versions = (name: string) =>
    openGroundings(t, { file })
      .list(name)
      .map((grounding) => `${grounding.name} ${grounding.version}`)
  assert.deepEqual(versions('p_1'), ['a-first 1.0', 'shop 0.9'])
  assert.equal(groundings.remove('p_1', 'shop'), true)
  assert.equal(groundings.remove('p_1', 'shop'), false)
  groundings.removeAll('p_1')
  assert.deepEqual([versions('p_1'), versions('p_2')], [[], ['shop 1.0']])
})

test('the values of an action do not stand between it and its use case', async (t) => {
  const groundings = openGroundings(t)
  groundings.apply('p_1', shopGrounding)
  const outcome = await groundings.match('p_1', 'Please refund the order ORD-4711')
  assert.ok(outcome.type === 'hit')
  assert.deepEqual([outcome.hit.grounding.name, outcome.hit.index], ['shop', 0])
})

test('the best use case applies, not the first', async (t) => {
  const groundings = openGroundings(t)
  const caseOf = (action: string) => ({ ...shopGrounding.useCases[1], action })
  const near = 'List all the open orders of each customer in the north and in the south and in the west today'
  groundings.apply('p_1', { ...shopGrounding, name: 'a-near', useCases: [caseOf(near.replace('today', 'again'))] })
  groundings.apply('p_1', { ...shopGrounding, name: 'b-same', useCases: [caseOf('Something else'), caseOf(near)] })
  const outcome = await groundings.match('p_1', near)
  assert.ok(outcome.type === 'hit')
  assert.deepEqual([outcome.hit.grounding.name, outcome.hit.index], ['b-same', 1])
})

test('an action that no grounding knows is refused or allowed as the setting says; without groundings nothing is', async (t) => {
  for (const [ungrounded, expected] of [
    ['refuse', { type: 'refused', reason: 'no_matching_use_case' }],
    ['allow', { type: 'none' }]
  ] as const) {
    const groundings = openGroundings(t, { ungrounded })
    assert.deepEqual(await groundings.match('p_1', 'Dance'), { type: 'none' })
    groundings.apply('p_1', shopGrounding)
    assert.deepEqual(await groundings.match('p_1', 'Dance'), expected)
  }
})

test('a use case is embedded once, also after a restart; the action each time it is new', async (t) => {
  const file = join(temporaryFolder(t), 'outpost.db')
  const embed = wordEmbed()
  const first = openGroundings(t, { file, embed })
  first.apply('p_1', shopGrounding)
  await first.match('p_1', 'Refund the order A1')
  await first.match('p_1', 'Refund the order A2')
  const again = wordEmbed()
  const second = openGroundings(t, { file, embed: again })
  assert.equal((await second.match('p_1', 'Refund the order A3')).type, 'hit')
  assert.deepEqual(embed.texts.toSorted(), ['list all open orders', 'refund order', 'refund order'])
  assert.deepEqual(again.texts, ['refund order'])
})

await testWithRealEmbed('with the real embedding model an action in other words is matched, and another action is not', async (t, embed) => {
  const groundings = openGroundings(t, { embed, ungrounded: 'refuse' })
  groundings.apply('p_1', shopGrounding)
  assert.equal((await groundings.match('p_1', 'Could you refund order ORD-12, please')).type, 'hit')
  assert.equal((await groundings.match('p_1', 'List the open orders')).type, 'hit')
  assert.equal((await groundings.match('p_1', 'Cancel the order ORD-12')).type, 'refused')
  assert.equal((await groundings.match('p_1', 'Translate the manual to French')).type, 'refused')
})
