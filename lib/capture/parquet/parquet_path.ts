/** Where the Parquet copy of a sealed CSV file lies; both relative to the data folder, with `/`. */
export function parquetPath(relativeCsvPath: string): string {
  return `parquet/${relativeCsvPath.replace(/\.csv$/, "")}.parquet`;
}

/** Where copies of the versions lie that a bar file supersedes: parts of a period replace it. */
export function supersededCopies(relativeCsvPath: string): string[] {
  const [, period = "", part = "0"] = /^(.*?)(?:__(\d+))?\.csv$/.exec(relativeCsvPath) ?? [];
  return Array.from(
    { length: Number(part) },
    (_, older) => parquetPath(`${period}${older === 0 ? "" : `__${older}`}.csv`),
  );
}
