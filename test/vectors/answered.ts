/** Cases that ask for less than the product does, as `subject: name`, with the decision that says why. The case must fail, or it does not belong here. */
export const answered: Readonly<Record<string, string>> = {
  'pddl_generation: problem text for a two-step refund plan':
    'docs/decisions/2026-11-24-plan-vectors.md: a name in PDDL has no dot, so 100.5 becomes n100_5 and the text stays valid'
}
