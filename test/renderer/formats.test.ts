import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFormats } from '../../renderer/text/formats.ts'

test('sizes, rates and times are in the unit that says enough', () => {
  const { size, rate, duration, compact } = createFormats('en')
  assert.deepEqual([size(0), size(999), size(98_362_432), size(20e9), size(123e9)], ['0 byte', '999 byte', '98.4 MB', '20 GB', '123 GB'])
  assert.equal(rate(12_340_000), '12.3 MB/s')
  assert.deepEqual([duration(850), duration(12_000), duration(180_000), duration(7_200_000)], ['850 ms', '12 sec', '3 min', '2 hr'])
  assert.equal(compact(61_440), '61K')
})

test('they are written as the language writes them', () => {
  assert.equal(createFormats('de').size(98_362_432), '98,4 MB')
  assert.match(createFormats('fr').percent(43), /^43\s%$/)
})
