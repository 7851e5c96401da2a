import { addons } from 'storybook/manager-api';
import { prefersDark, systemTheme } from './theme.ts';

function configure(): void {
  addons.setConfig({ theme: systemTheme() });
}

configure();
prefersDark.addEventListener('change', configure);
