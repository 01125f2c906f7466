import { KeyRound } from 'lucide-react'
import { definePage } from '../../frame/page.ts'
import { keysText } from './text.ts'

/** For everybody: who may not manage keys reads whom to ask for one. */
export const page = definePage({
  name: 'keys',
  order: 50,
  title: { en: 'Keys', de: 'Schlüssel', fr: 'Clés', es: 'Claves', 'zh-CN': '密钥', ar: 'المفاتيح' },
  icon: KeyRound,
  isFor: () => true,
  async load() {
    const [{ KeysPage }] = await Promise.all([import('./keys.tsx'), keysText.load()])
    return { Component: KeysPage }
  }
})
