/** Codes that make a currency pair's name; fixed, because names of pairs are names of folders. */

const FIAT =
  `AED ARS AUD BRL CAD CHF CLP CNH CNY COP CZK DKK EUR GBP HKD HRK HUF IDR ILS INR ISK JPY
  KRW KWD MXN MYR NOK NZD PEN PHP PLN QAR RON RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR`;
const METALS = "XAG XAU XPD XPT XCU XAL XNI XPB XZN";
const CRYPTO = `ADA BAT BCH BNB BSV BTC DOT EOS ETC ETH FIL ICP IOT LNK LTC NEO OMG SOL TRX UNI
  XBT XLM XMR XRP XTZ ZEC`;

const codes = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

const CRYPTO_CODES = codes(CRYPTO);
const MONEY_CODES = codes(`${FIAT} ${METALS} ${CRYPTO}`);

/** Whether a code in capitals stands for a currency, a metal or a crypto currency. */
export function isMoney(code: string): boolean {
  return MONEY_CODES.has(code);
}

export function isCrypto(code: string): boolean {
  return CRYPTO_CODES.has(code);
}
