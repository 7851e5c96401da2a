import { create } from 'storybook/theming/create';

const brand = {
  brandTitle: 'react-guest-token',
  brandUrl: './',
  brandTarget: '_self',
  fontBase: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  fontCode: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  appBorderRadius: 8,
  inputBorderRadius: 8,
} as const;

const light = create({
  ...brand,
  base: 'light',
  colorPrimary: '#0b5cad',
  colorSecondary: '#0b5cad',
  appBg: '#f5f7fa',
  appContentBg: '#ffffff',
  appPreviewBg: '#ffffff',
  appBorderColor: '#d5dbe3',
  textColor: '#1b2430',
  textMutedColor: '#56606e',
  barTextColor: '#56606e',
  barSelectedColor: '#0b5cad',
});

const dark = create({
  ...brand,
  base: 'dark',
  colorPrimary: '#6cb2f7',
  colorSecondary: '#6cb2f7',
  appBg: '#11161d',
  appContentBg: '#171d26',
  appPreviewBg: '#171d26',
  appBorderColor: '#303a48',
  textColor: '#e4e9f0',
  textMutedColor: '#a3afbf',
  barBg: '#171d26',
  barTextColor: '#a3afbf',
  barSelectedColor: '#6cb2f7',
  inputBg: '#11161d',
  inputBorder: '#303a48',
});

export const prefersDark = globalThis.matchMedia('(prefers-color-scheme: dark)');

/** The theme that the reader's system asks for. */
export function systemTheme(): typeof light {
  return prefersDark.matches ? dark : light;
}
