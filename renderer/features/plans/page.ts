import { Workflow } from 'lucide-react'
import { definePage } from '../../frame/page.ts'
import { plansText } from './text.ts'

export const page = definePage({
  name: 'plans',
  order: 40,
  title: { en: 'Plans', de: 'Pläne', fr: 'Plans', es: 'Planes', 'zh-CN': '计划', ar: 'الخطط' },
  icon: Workflow,
  isFor: (may) => may('plans'),
  async load() {
    const [{ PlansPage }] = await Promise.all([import('./plans.tsx'), plansText.load()])
    return { Component: PlansPage }
  }
})
