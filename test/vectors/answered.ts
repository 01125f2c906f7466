/** Cases that ask for less than the product does, as `subject: name`, with the decision that says why. The case must fail, or it does not belong here. */
export const answered: Readonly<Record<string, string>> = {
  'result_aggregation: string order puts task9 after task10 (upstream bug)':
    'docs/decisions/2026-11-24-plan-vectors.md: results are the outputs of all tasks that no other uses, in the plan’s order',
  'taskzero_hoisting: UPSTREAM BUG, do not copy: an existing task0 key is overwritten by the first literal of the same name':
    'docs/decisions/2026-11-24-plan-vectors.md: a constant never overwrites what task0 has, it becomes query_2, as the note of the case itself asks for',
  'inspection: reference to a task0 field that does not exist':
    'docs/decisions/2026-11-24-plan-vectors.md: an inspection shows a reference that leads nowhere as it stands, instead of failing as a whole',
  'planning_retry: valid at the third attempt':
    'docs/decisions/2026-11-24-plan-vectors.md: each attempt is told what was wrong with all before, also the first',
  'planning_retry: elapsed budget: first attempt took 40 s, no retry':
    'docs/decisions/2026-11-24-plan-vectors.md: a slow local model gets its retries; only the deadline of the plan ends the planning',
  'models: reasoning qwen/qwq-32b': 'docs/decisions/2026-11-24-plan-vectors.md: the temperature goes by the name of the model, whoever publishes it',
  'models: reasoning gpt-4o': 'docs/decisions/2026-11-24-plan-vectors.md: a model of any name may plan',
  'models: reasoning qwq-32b-': 'docs/decisions/2026-11-24-plan-vectors.md: a model of any name may plan',
  'models: embeddings text-embedding-3-large': 'docs/decisions/2026-11-24-plan-vectors.md: a model of any name may embed',
  'pddl_generation: problem text for a two-step refund plan':
    'docs/decisions/2026-11-24-plan-vectors.md: a name in PDDL has no dot, so 100.5 becomes n100_5 and the text stays valid'
}
