import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plan, Service } from '#contracts/plan.ts'
import { checkGrounding } from '../../../server/plans/grounding/check-grounding.ts'
import type { Embed, GroundingHit } from '../../../server/plans/planning/planner.ts'
import { testWithRealEmbed } from '../../helpers/embedding.ts'
import { eligibility, refundPlan, refunds, service, shopGrounding } from '../../helpers/shop.ts'

const mailer = service('Mailer', 'Sends e-mails to customers', { input: ['to'], output: ['id'] })
const accounts = service('Accounts', 'Deletes accounts of users', { input: ['user'], output: ['done'] })
const services = [eligibility, refunds, mailer, accounts]
const none: Embed = async () => undefined

function hit(constraints: string[], capabilities = ['Verify that an order may be refunded']): GroundingHit {
  const useCase = { ...shopGrounding.useCases[0]!, capabilities }
  return { grounding: { ...shopGrounding, useCases: [useCase], constraints }, useCase, index: 0, similarity: 1 }
}

function plan(...tasks: [Service, Record<string, string>][]): Plan {
  return {
    taskZero: { orderId: 'ORD-1' },
    tasks: tasks.map(([{ id }, input], index) => ({ id: `task${index + 1}`, service: id, serviceVersion: 1, input, approval: false })),
    parallelGroups: []
  }
}

const check = (made: Plan, constraints: string[], capabilities?: string[]) => checkGrounding(made, services, hit(constraints, capabilities), none)
const good = refundPlan({ orderId: 'ORD-1' })
/** The refund does not wait for the verification. */
const loose = plan([eligibility, { orderId: '$task0.orderId' }], [refunds, { orderId: '$task0.orderId' }])

test('a plan that keeps its grounding has no findings', async () => {
  const report = await check(good, ['Verify eligibility before refunding', 'At most one refund', 'Never delete accounts', 'Check eligibility first'])
  assert.deepEqual(report, { findings: [], unchecked: [] })
})

test('a precondition counts only if the later task needs a result of the earlier one', async () => {
  const [finding] = (await check(loose, ['Verify eligibility before refunding'])).findings
  assert.match(
    finding ?? '',
    /“Verify eligibility before refunding” does not hold: task2 \(Refunds\) does not wait for Eligibility: give it an input from a result of task1/
  )
  const alone = await check(plan([refunds, { orderId: '$task0.orderId' }]), ['Verify eligibility before refunding'], ['Refund'])
  assert.match(alone.findings.join(), /there is no task of Eligibility; add one before it/)
})

test('an indirect dependency counts as well', async () => {
  const chain = plan([eligibility, { orderId: '$task0.orderId' }], [mailer, { to: '$task1.eligible' }], [refunds, { orderId: '$task2.id' }])
  assert.deepEqual((await check(chain, ['Verify eligibility before refunding'])).findings, [])
})

test('an order of two things demands neither of them', async () => {
  assert.deepEqual((await check(good, ['Send e-mails after refunds'])).findings, [])
  const early = plan([eligibility, { orderId: '$task0.orderId' }], [mailer, { to: '$task1.eligible' }], [refunds, { orderId: '$task1.eligible' }])
  assert.match((await check(early, ['Send e-mails after refunds'])).findings.join(), /task2 \(Mailer\) does not wait for Refunds/)
})

test('forbidden, too many and missing tasks are found', async () => {
  const deletes = plan([eligibility, { orderId: '$task0.orderId' }], [accounts, { user: '$task1.eligible' }])
  assert.match((await check(deletes, ['Never delete accounts'])).findings.join(), /Accounts may have no task, and has 1 \(task2\)/)
  const twice = plan([eligibility, { orderId: '$task0.orderId' }], [eligibility, { orderId: '$task0.orderId' }])
  assert.match((await check(twice, ['Verify eligibility at most once'])).findings.join(), /1 at most, and has 2 \(task1, task2\)/)
  assert.match((await check(good, ['Always send e-mails'])).findings.join(), /Mailer must have at least 1, and has 0/)
  assert.match((await check(deletes, ['Only use eligibility and refunds'])).findings.join(), /task2 is a task of another service/)
  assert.match((await check(loose, ['Verify eligibility first'])).findings.join(), /task2 does not wait for Eligibility/)
})

test('what cannot be checked is said, never passed over', async () => {
  const { findings, unchecked } = await check(good, [
    'Verify customer owns order',
    'Never refund without manager approval',
    'Never refund orders over 100'
  ])
  assert.deepEqual(findings, [])
  assert.deepEqual(unchecked, [
    '“Verify customer owns order”: it states no order, precondition or number of tasks',
    '“Never refund without manager approval”: no service here is known to be meant by “manager approval”',
    '“Never refund orders over 100”: no service here is known to be meant by “refund orders over 100”'
  ])
})

test('capabilities that no service of the plan has are counted and named', async () => {
  const { findings } = await check(good, [], ['Verify eligibility', 'Pay the money back', 'Print a label'])
  assert.match(findings.join(), /66\.67% of what the use case requires \(2 of 3\); nothing in it does “Print a label”/)
})

await testWithRealEmbed(
  'with the real embedding model meaning counts: what is required is found, and what is beyond the use case is not allowed',
  async (_t, embed) => {
    const capabilities = ['Check whether an order can be refunded', 'Return the money for an order']
    const right = await checkGrounding(good, services, hit(['Give money back only after verifying eligibility'], capabilities), embed)
    assert.deepEqual(right, { findings: [], unchecked: [] })
    const beyond = plan(
      [eligibility, { orderId: '$task0.orderId' }],
      [refunds, { orderId: '$task1.eligible' }],
      [accounts, { user: '$task2.receipt' }]
    )
    const { findings } = await checkGrounding(beyond, services, hit([], capabilities), embed)
    assert.match(findings.join(), /^Accounts has nothing to do with what the use case allows/)
  }
)
