export type Problem = { status: number; code: string | undefined; message: string }

/** What a reply says is wrong; of a success, its status alone. */
export async function problemOf(response: Response): Promise<Problem> {
  const { error } = (await response.json()) as { error?: { code: string; message: string } }
  return { status: response.status, code: error?.code, message: error?.message ?? '' }
}
