import type { NativeContext } from './native.ts'
import { commonPrefix, type Slot } from './slots.ts'

/** A copy moves a whole slot of memory, so a few tokens are evaluated sooner than copied. */
const worthCopying = 128

/** Makes the KV cache of a slot fit a prompt. Only called between decodes. */
export function createSlotCache(options: { context: NativeContext; slots: readonly Slot[]; slidingWindow: number }): {
  /** Tokens of the prompt that need no evaluation; the slot then holds exactly these. */
  prepare(slot: Slot, prompt: number[]): Promise<number>
} {
  const { context, slots, slidingWindow } = options

  /** Copies the cache of a slot that knows much more of the prompt: the same system message, or another answer to the same request. */
  async function borrow(slot: Slot, prompt: number[]) {
    if (slidingWindow > 0) return
    let known = commonPrefix(slot.tokens, prompt) + worthCopying
    let lender: Slot | undefined
    for (const other of slots) {
      const prefix = commonPrefix(other.tokens, prompt)
      if (other === slot || prefix < known) continue
      lender = other
      known = prefix
    }
    if (lender === undefined) return
    slot.tokens = []
    const last = await context.copySequenceStateFromOtherSequence(slot.id, lender.id).catch(() => -1)
    if (last === lender.tokens.length - 1) slot.tokens = lender.tokens.slice()
  }

  /** Leaves in the slot what it shares with the prompt, but never all of it: the last token's evaluation gives the first logits. */
  function reuse(slot: Slot, prompt: number[]): number {
    const keep = Math.min(commonPrefix(slot.tokens, prompt), prompt.length - 1)
    if (keep === slot.tokens.length) return keep
    // A sliding window forgets old positions: what is left must reach back a whole window from where we go on.
    const oldest = slidingWindow > 0 ? context.getSequenceKvCacheMinPosition(slot.id) : 0
    const reaches = oldest <= 0 || oldest <= keep - slidingWindow
    if (keep > 0 && reaches && context.removeTokenCellsFromSequence(slot.id, keep, -1)) {
      slot.tokens.length = keep
      return keep
    }
    context.disposeSequence(slot.id)
    slot.tokens = []
    return 0
  }

  return {
    async prepare(slot, prompt) {
      await borrow(slot, prompt)
      return reuse(slot, prompt)
    }
  }
}
