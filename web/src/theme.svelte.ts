// Light or dark, as the system has it or as the reader wants it; kept for the next visit.
export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const key = 'decant theme';

// Storage can be forbidden; then the theme lasts as long as the page.
function kept(): Theme {
  try {
    return themes.find((theme) => theme === localStorage.getItem(key)) ?? 'system';
  } catch {
    return 'system';
  }
}

let theme = $state<Theme>('system');

export const currentTheme = () => theme;

export function setTheme(to: Theme): void {
  theme = to;
  document.documentElement.dataset.theme = to;
  try {
    localStorage.setItem(key, to);
  } catch {
    // See above.
  }
}

export const restoreTheme = () => setTheme(kept());
