import { Box } from 'lucide-react'
import { definePage } from '../../frame/page.ts'
import { modelsText } from './text.ts'

export const page = definePage({
  name: 'models',
  order: 20,
  title: { en: 'Models', de: 'Modelle', fr: 'Modèles', es: 'Modelos', 'zh-CN': '模型', ar: 'النماذج' },
  icon: Box,
  isFor: (may) => may('models'),
  async load() {
    const [{ ModelsPage }] = await Promise.all([import('./models.tsx'), modelsText.load()])
    return { Component: ModelsPage }
  }
})
