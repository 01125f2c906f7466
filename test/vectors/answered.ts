/** Cases that ask for less than the product does, as `subject: name`, with the decision that says why. The case must fail, or it does not belong here. */
export const answered: Readonly<Record<string, string>> = {
  'taskzero_hoisting: UPSTREAM BUG, do not copy: an existing task0 key is overwritten by the first literal of the same name':
    'docs/decisions/2026-11-24-plan-vectors.md: a constant never overwrites what task0 has, it becomes query_2, as the note of the case itself asks for',
  'planning_retry: valid at the third attempt':
    'docs/decisions/2026-11-24-plan-vectors.md: each attempt is told what was wrong with all before, also the first',
  'planning_retry: elapsed budget: first attempt took 40 s, no retry':
    'docs/decisions/2026-11-24-plan-vectors.md: a slow local model gets its retries; only the deadline of the plan ends the planning',
  'models: reasoning qwen/qwq-32b': 'docs/decisions/2026-11-24-plan-vectors.md: the temperature goes by the name of the model, whoever publishes it',
  'models: reasoning gpt-4o': 'docs/decisions/2026-11-24-plan-vectors.md: a model of any name may plan',
  'models: reasoning qwq-32b-': 'docs/decisions/2026-11-24-plan-vectors.md: a model of any name may plan',
  'models: embeddings text-embedding-3-large': 'docs/decisions/2026-11-24-plan-vectors.md: a model of any name may embed'
}
