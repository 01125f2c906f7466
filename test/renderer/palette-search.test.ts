import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Action } from '../../renderer/frame/action.ts'
import { findActions } from '../../renderer/frame/palette-search.ts'
import { isPressed } from '../../renderer/frame/shortcut.ts'

const action = (title: string, more: Partial<Action> = {}): Action => ({ id: title, title, group: 'View', run: () => {}, ...more })
const actions = [
  action('Theme: Dark'),
  action('Go to Models', { group: 'Pages' }),
  action('Details of Modernist'),
  action('Langue : Français', { keywords: 'language fr' })
]
const titles = (search: string) => findActions(actions, search).map(({ title }) => title)

test('an empty search finds everything, in its order, but what is one of many', () => {
  assert.deepEqual(
    findActions([action('One'), action('One of many', { isOneOfMany: true })], '').map(({ title }) => title),
    ['One']
  )
  assert.deepEqual(
    titles('  '),
    actions.map(({ title }) => title)
  )
})

test('beginnings of words come before what is inside, case and accents do not count, and every word must be found', () => {
  assert.deepEqual(titles('mod'), ['Go to Models', 'Details of Modernist'])
  assert.deepEqual(titles('FRANCAIS'), ['Langue : Français'])
  assert.deepEqual(titles('language'), ['Langue : Français'])
  assert.deepEqual(titles('dark theme'), ['Theme: Dark'])
  assert.deepEqual(titles('dark models'), [])
  assert.deepEqual(titles('gtm'), ['Go to Models'])
})

test('a shortcut is pressed with exactly its keys; on layouts where a sign needs Shift, with that too', () => {
  const press = (key: string, more: object = {}) => ({ key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...more })
  assert.ok(isPressed('mod+k', press('k', { ctrlKey: true })))
  assert.ok(isPressed('mod+k', press('K', { metaKey: true })))
  assert.ok(!isPressed('mod+k', press('k', { ctrlKey: true, shiftKey: true })))
  assert.ok(!isPressed('mod+k', press('k')))
  assert.ok(isPressed('mod+/', press('/', { ctrlKey: true, shiftKey: true })))
  assert.ok(isPressed('mod+shift+c', press('C', { ctrlKey: true, shiftKey: true })))
})
