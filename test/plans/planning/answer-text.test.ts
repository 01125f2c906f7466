import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findJsonText } from '../../../server/plans/planning/answer-text.ts'

test('a plan is read however a model wrapped it', () => {
  const plan = '{"tasks":[]}'
  for (const answer of [
    plan,
    `Here is the plan:\n${plan}\nDone.`,
    `\`\`\`json\n${plan}\n\`\`\``,
    `\`\`\`JSON\n${plan}\n\`\`\``,
    `\`\`\`\n${plan}\n\`\`\`\nFill in {this} yourself.`,
    `<think>{"tasks":[1]}</think>\n${plan}`,
    `the end of my thoughts {"tasks":[1]}</think>\n\`\`\`json\n${plan}\n\`\`\``
  ]) {
    assert.equal(findJsonText(answer), plan, answer)
  }
})

test('what is no JSON object is no plan', () => {
  for (const answer of ['', 'I cannot do that.', '[1,2]', '```json\n{"tasks":\n```', '<think>{"tasks":[]}</think>'])
    assert.equal(findJsonText(answer), undefined, answer)
})
