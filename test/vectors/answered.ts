/** Cases that ask for less than the product does, as `subject: name`, with the decision that says why. The case must fail, or it does not belong here. */
export const answered: Readonly<Record<string, string>> = {
  'inspection: reference to a task0 field that does not exist':
    'docs/decisions/2026-11-24-plan-vectors.md: an inspection shows a reference that leads nowhere as it stands, instead of failing as a whole'
}
