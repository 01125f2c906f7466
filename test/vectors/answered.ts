/** Cases that ask for less than the product does, as `subject: name`, with the decision that says why. The case must fail, or it does not belong here. */
export const answered: Readonly<Record<string, string>> = {}
