import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createThreadController } from '../../../server/engines/llama/threads.ts'

/** A machine whose step time depends on the threads; its clock moves with the steps. */
function simulate(max: number, msOf: (threads: number) => number) {
  let clock = 0
  let speed = msOf
  const controller = createThreadController(max, () => clock)
  return {
    controller,
    setMachine(next: (threads: number) => number) {
      speed = next
    },
    /** Runs so many steps and tells how many were made with each number of threads. */
    run(steps: number, sample: { generated?: number; promptTokens?: number } = {}) {
      const used = new Map<number, number>()
      for (let step = 0; step < steps; step++) {
        const threads = controller.current()
        const ms = speed(threads)
        clock += ms
        used.set(threads, (used.get(threads) ?? 0) + 1)
        controller.record({ ms, generated: 1, promptTokens: 0, ...sample })
      }
      return used
    }
  }
}

const idle = (threads: number) => 16 / threads
/** Somebody computes on every core: more than one thread wait for each other. */
const busy = (threads: number) => (threads === 1 ? 30 : 500 * threads)

test('an idle machine keeps all threads', () => {
  const machine = simulate(4, idle)
  const used = machine.run(1000)
  assert.ok((used.get(4) ?? 0) > 980)
  assert.equal(machine.controller.current(), 4)
})

test('threads are given up when steps jump, and taken back when the machine is free again', () => {
  const machine = simulate(4, idle)
  machine.run(100)
  machine.setMachine(busy)
  const used = machine.run(2000)
  assert.equal(machine.controller.current(), 1)
  assert.ok((used.get(1) ?? 0) > 1950, `${used.get(1)} of 2000 steps with one thread`)
  machine.setMachine(idle)
  machine.run(10_000)
  assert.equal(machine.controller.current(), 4)
})

test('a machine that is busy from the start is recognised', () => {
  const machine = simulate(2, busy)
  machine.run(30)
  assert.equal(machine.controller.current(), 1)
})

test('a single slow step changes nothing', () => {
  const machine = simulate(2, idle)
  machine.run(50)
  machine.setMachine((threads) => idle(threads) * 4)
  machine.run(1)
  machine.setMachine(idle)
  machine.run(10)
  assert.equal(machine.controller.current(), 2)
})

test('larger steps are not mistaken for slow ones', () => {
  const machine = simulate(2, idle)
  machine.run(50)
  machine.setMachine((threads) => idle(threads) * 5)
  machine.run(50, { generated: 8 })
  machine.run(50, { promptTokens: 100 })
  assert.equal(machine.controller.current(), 2)
})

test('one thread stays one thread', () => {
  const machine = simulate(1, idle)
  machine.run(100)
  machine.setMachine(busy)
  machine.run(100)
  assert.equal(machine.controller.current(), 1)
})
