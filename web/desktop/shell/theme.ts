// Parlour's colours in Flex UI's own theme.
const INK = "#16202c";
const ACCENT = "#0b6b5c";
const ACCENT_STRONG = "#084f44";
const PAPER = "#fffefb";

export const theme = {
  isLight: true,
  tokens: {
    backgroundColors: {
      colorBackgroundPrimary: ACCENT,
      colorBackgroundPrimaryStrong: ACCENT_STRONG,
      colorBackgroundPrimaryStronger: ACCENT_STRONG,
      colorBackgroundPrimaryStrongest: INK,
    },
    textColors: { colorTextLink: ACCENT, colorTextLinkStrong: ACCENT_STRONG },
  },
  componentThemeOverrides: {
    MainHeader: { Container: { background: INK, color: PAPER } },
  },
};
