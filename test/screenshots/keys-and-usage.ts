import type { Shot } from './showcase.ts'

type Command = (...args: string[]) => Promise<string>

/** Some keys of every kind, and requests made with them. */
export async function prepareKeysAndUsage(url: string, command: Command): Promise<void> {
  const reports = await command('keys', 'create', 'Quarterly reports')
  const search = await command('keys', 'create', 'Search of the intranet', '--lane', 'batch')
  await command('keys', 'create', 'Ada Lovelace', '--role', 'administrator')
  await command('project', 'create', 'Order desk')
  const { key } = JSON.parse(await command('keys', 'create', 'Old laptop', '--json')) as { key: { id: string } }
  await command('keys', 'revoke', key.id)
  const ask = async (secret: string, path: string, body: object) => {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify(body)
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    await response.arrayBuffer()
  }
  const messages = [{ role: 'user', content: 'Which region grew most in the last quarter?' }]
  for (let i = 0; i < 4; i++) await ask(reports, '/v1/chat/completions', { model: 'house-chat', messages })
  for (let i = 0; i < 3; i++) await ask(search, '/v1/embeddings', { model: 'house-search', input: 'holidays and sick leave' })
  await ask(search, '/v1/chat/completions', { model: 'house-reasoner', messages })
}

/** The pages of keys and usage. */
export function shotsOfKeysAndUsage(url: string): Record<string, Shot> {
  return {
    async keys(page) {
      await page.goto(`${url}/keys`)
      await page.getByRole('row', { name: /Quarterly reports/ }).waitFor()
      await page.getByRole('button', { name: /^All/ }).click()
      await page.getByRole('row', { name: /Old laptop/ }).waitFor()
    },
    async 'keys-make'(page) {
      await page.goto(`${url}/keys`)
      await page.getByRole('row', { name: /Quarterly reports/ }).waitFor()
      await page.getByRole('button', { name: 'Make key' }).click()
      await page.getByRole('textbox', { name: 'Name' }).fill('Help desk')
      await page.getByRole('form').waitFor()
    },
    async 'keys-fresh'(page) {
      await page.goto(`${url}/keys`)
      await page.getByRole('row', { name: /Ada Lovelace/ }).waitFor()
      await page.getByRole('button', { name: 'More for Ada Lovelace' }).click()
      await page.getByRole('menuitem', { name: 'New secret' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'New secret' }).click()
      await page.getByRole('heading', { name: 'Secret of Ada Lovelace' }).waitFor()
    },
    async 'keys-revoke'(page) {
      await page.goto(`${url}/keys`)
      await page.getByRole('button', { name: 'More for Quarterly reports' }).click()
      await page.getByRole('menuitem', { name: 'Revoke' }).click()
      await page.getByRole('dialog', { name: 'Revoke Quarterly reports?' }).waitFor()
    },
    async usage(page) {
      await page.goto(`${url}/usage`)
      await page.getByRole('row', { name: /Quarterly reports/ }).waitFor()
    },
    async 'usage-requests'(page) {
      await page.goto(`${url}/usage`)
      await page.getByRole('tab', { name: 'Requests' }).click()
      await page.getByRole('row', { name: /house-reasoner/ }).waitFor()
    }
  }
}
