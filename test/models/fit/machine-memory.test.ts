import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { machineMemory } from '../../../server/models/fit/machine-memory.ts'
import { temporaryFolder } from '../fixtures.ts'

const gibibyte = 2 ** 30
const meminfo = 'MemTotal:       33554432 kB\nMemFree:         1048576 kB\nMemAvailable:   16777216 kB\n'

function memoryWith(files: Record<string, string>) {
  using folder = temporaryFolder()
  for (const [path, content] of Object.entries({ 'proc/meminfo': meminfo, ...files })) {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true })
    writeFileSync(join(folder.path, path), content)
  }
  return machineMemory([], folder.path)
}

test('what can be had is what the system could give at once, less what is left to others', () => {
  assert.deepEqual(memoryWith({}), { total: 32 * gibibyte, available: 15 * gibibyte, gpus: [] })
})

test('the limit of a container counts, and of every group above it; its file cache is not taken', () => {
  const group = 'sys/fs/cgroup/a/b'
  assert.deepEqual(
    memoryWith({
      'proc/self/cgroup': '0::/a/b\n',
      [`${group}/memory.max`]: `${8 * gibibyte}\n`,
      [`${group}/memory.current`]: `${5 * gibibyte}\n`,
      [`${group}/memory.stat`]: `anon 1\ninactive_file ${2 * gibibyte}\nactive_file ${gibibyte}\n`,
      'sys/fs/cgroup/a/memory.max': 'max\n',
      'sys/fs/cgroup/a/memory.current': '1\n'
    }),
    { total: 8 * gibibyte, available: 5 * gibibyte, gpus: [] }
  )
  const parent = memoryWith({
    'proc/self/cgroup': '0::/a/b\n',
    'sys/fs/cgroup/a/memory.max': `${2 * gibibyte}`,
    'sys/fs/cgroup/a/memory.current': `${3 * gibibyte}`
  })
  assert.deepEqual(parent, { total: 2 * gibibyte, available: 0, gpus: [] })
})

test('the first version of control groups is understood too', () => {
  const group = 'sys/fs/cgroup/memory/docker/x'
  const files = {
    'proc/self/cgroup': '5:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n0::/\n',
    [`${group}/memory.limit_in_bytes`]: `${4 * gibibyte}`,
    [`${group}/memory.usage_in_bytes`]: `${2 * gibibyte}`,
    [`${group}/memory.stat`]: `total_inactive_file ${gibibyte}\n`,
    'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
    'sys/fs/cgroup/memory/memory.usage_in_bytes': '1'
  }
  assert.deepEqual(memoryWith(files), { total: 4 * gibibyte, available: 2 * gibibyte, gpus: [] })
})

test('this machine has some memory, and not more than it has', () => {
  const { total, available } = machineMemory()
  assert.ok(available > 0 && available < total && total <= totalmem())
})
