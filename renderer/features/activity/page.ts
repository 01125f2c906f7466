import { Activity } from 'lucide-react'
import { definePage } from '../../frame/page.ts'
import { activityText } from './text.ts'

export const page = definePage({
  name: 'activity',
  order: 30,
  title: { en: 'Activity', de: 'Aktivität', fr: 'Activité', es: 'Actividad', 'zh-CN': '活动', ar: 'النشاط' },
  icon: Activity,
  isFor: (may) => may('queue'),
  async load() {
    const [{ ActivityPage }] = await Promise.all([import('./activity.tsx'), activityText.load()])
    return { Component: ActivityPage }
  }
})
