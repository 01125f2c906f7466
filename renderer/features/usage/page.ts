import { ChartNoAxesColumn } from 'lucide-react'
import { definePage } from '../../frame/page.ts'
import { usageText } from './text.ts'

export const page = definePage({
  name: 'usage',
  order: 60,
  title: { en: 'Usage', de: 'Nutzung', fr: 'Utilisation', es: 'Uso', 'zh-CN': '用量', ar: 'الاستخدام' },
  icon: ChartNoAxesColumn,
  isFor: (may) => may('usage'),
  async load() {
    const [{ UsagePage }] = await Promise.all([import('./usage.tsx'), usageText.load()])
    return { Component: UsagePage }
  }
})
