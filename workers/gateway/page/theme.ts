/** Dark or light: the system's choice until the person makes one, which is then remembered. */
export type Theme = "system" | "dark" | "light";

const STORED_AS = "arbitrex.theme";
const NEXT: Readonly<Record<Theme, Theme>> = { system: "dark", dark: "light", light: "system" };
const SIGNS: Readonly<Record<Theme, string>> = { system: "◐", dark: "☾", light: "☀" };

/** Wires the button and calls back at each change of colours, also one made by the system. */
export function startTheme(button: HTMLButtonElement, changed: () => void): void {
  let theme = stored();
  const show = () => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = SIGNS[theme];
    button.title = button.ariaLabel = `Theme: ${theme}. Switch to ${NEXT[theme]}.`;
    changed();
  };
  button.addEventListener("click", () => {
    theme = NEXT[theme];
    store(theme);
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  show();
}

// Storage may be forbidden in a private window or a frame: the choice then lasts as long as the page.
function stored(): Theme {
  try {
    const value = localStorage.getItem(STORED_AS);
    return value === "dark" || value === "light" ? value : "system";
  } catch {
    return "system";
  }
}

function store(theme: Theme): void {
  try {
    localStorage.setItem(STORED_AS, theme);
  } catch {
    // Not remembered.
  }
}
