// Light or dark, as the system has it or as the reader wants it; kept for the next visit.
export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const key = 'decant theme';
const darkSystem = matchMedia('(prefers-color-scheme: dark)');

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

function show(): void {
  const system = darkSystem.matches ? 'dark' : 'light';
  document.documentElement.dataset.theme = theme === 'system' ? system : theme;
}

export function setTheme(to: Theme): void {
  theme = to;
  show();
  try {
    localStorage.setItem(key, to);
  } catch {
    // See above.
  }
}

export function restoreTheme(): void {
  setTheme(kept());
  darkSystem.onchange = show;
}
