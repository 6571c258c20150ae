"""Reads a Parquet copy of ticks, and one of bars, with polars and DuckDB; prints what they found as JSON.

Arguments: the copy of ticks, the copy of bars, and an id_ms to look for.
"""

import json
import sys

import duckdb
import polars

ticks, bars, id_ms = sys.argv[1], sys.argv[2], int(sys.argv[3])
db = duckdb.connect()
db.execute("SET TimeZone = 'UTC'")


def rows(query, *values):
    return [list(row) for row in db.execute(query, values).fetchall()]


def parquet_sql(path):
    return "read_parquet('" + path.replace("'", "''") + "')"


frame = polars.read_parquet(ticks)
lazy = polars.scan_parquet(ticks).filter(polars.col("id_ms") == id_ms).collect()
print(json.dumps({
    "polars": {
        "schema": {name: str(kind) for name, kind in frame.schema.items()},
        "rows": frame.height,
        "nulls": {name: frame[name].null_count() for name in frame.columns},
        "nans": int(frame["last"].is_nan().sum() or 0),
        "found": lazy["id_n"].to_list(),
        "first_utc_ms": int(frame["timestamp_utc"].dt.timestamp("ms")[0]),
        "first_broker_ms": int(frame["timestamp_broker"].dt.timestamp("ms")[0]),
        "ids_sorted": frame.select(["id_ms", "id_n"]).equals(
            frame.select(["id_ms", "id_n"]).sort(["id_ms", "id_n"])
        ),
        "bars": polars.read_parquet(bars).height if bars != "-" else None,
    },
    "duckdb": {
        "schema": rows("SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM %s)" % parquet_sql(ticks)),
        "sums": rows(
            "SELECT count(*), count(last), count(volume), sum(bid), sum(flags) FROM %s" % parquet_sql(ticks)
        )[0],
        "first": rows(
            "SELECT epoch_ms(timestamp_utc), epoch_ms(timestamp_broker), CAST(timestamp_utc AS VARCHAR) FROM %s LIMIT 1"
            % parquet_sql(ticks)
        )[0],
        "found": rows("SELECT id_n FROM %s WHERE id_ms = ? ORDER BY id_n" % parquet_sql(ticks), id_ms),
        "groups": rows(
            "SELECT row_group_num_rows, stats_min_value, stats_max_value, compression "
            "FROM parquet_metadata(?) WHERE path_in_schema = 'id_ms' ORDER BY row_group_id",
            ticks,
        ),
        "without_statistics": rows(
            "SELECT count(*) FROM parquet_metadata(?) WHERE stats_null_count IS NULL OR (stats_min_value IS NULL "
            "AND stats_null_count < num_values)",
            ticks,
        )[0][0],
        "said": {
            key.decode(): value.decode()
            for key, value in rows(
                "SELECT key, value FROM parquet_kv_metadata(?) WHERE key <> 'ARROW:schema'::BLOB", ticks
            )
        },
    },
}))
