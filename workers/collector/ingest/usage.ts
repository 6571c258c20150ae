export const ingestUsage = `Usage: deno task ingest [option ...]
Finished bars from the running bridge into files, one cycle record for each read. Without --from the
newest 240 bars of minutes and hours, 365 of 1D, 120 of 1W and 1M.
  --timeframes <list>     of 1MIN 5MIN 15MIN 30MIN 1H 4H 1D 1W 1M (default 1H,4H,1D)
  --symbols <list>        names on the stream, or * (default SYMBOLS, else the discovered universe,
                          else those of the 41 that the bridge has)
  --from <time>           first open, ISO 8601 or a date (UTC); widened to whole files
  --to <time>             first open that is not wanted any more; widened to whole files
  --history-days <n>      1D bars without --from; fewer than 365 are 365 (default 365)
  --resume                ask only for what no cycle record covers
  --workers <n>           sessions at once, 1 to 64 (default 4)
  --rate-limit <seconds>  between two calls of one session (default 0.05)
  --output-dir <folder>   the data folder (default DATA_DIR, or data/raw, … by what the source is)
  --parquet               Parquet copies of sealed files too
  --discover              ask the broker for its symbols first, and keep them as the universe
  --universe-only         write or check the universe, and stop
  --tick-logging          then 5 seconds of ticks of each symbol
  --ticks                 ticks of --from to --to instead of bars, in whole UTC days
  --env <file>            a .env file with settings; the environment wins over it
  --json                  one JSON object a line, see workers/collector/ingest/README.md
  --dry-run               show the plan, write nothing
  --help
Exit code: 0 all SUCCESS, 1 some PARTIAL or FAILED, or stopped by Ctrl-C, 2 none, or unusable
arguments, settings, folder or bridge.`;

export const permissionHint =
  `The task may write the folder data and reach a bridge on 127.0.0.1:8765. For another --output-dir
or bridge: deno run -P=ingest --allow-write=<folder> --allow-net=<host:port> workers/collector/ingest/main.ts …`;

export const bridgeHint = `Is a bridge running there? Start one in another terminal with
  deno task bridge            (the invented market; SOURCE=mt5 or fxcm for a terminal)
or run everything with deno task start, whose bridge serves this too. BRIDGE_HOST and BRIDGE_PORT
say where it is.`;
