-- Cost and hours by show, the dearest first. A show is the first folder below the archive's prefix.
SELECT
    show_name,
    count(*) AS objects,
    count(*) FILTER (state = 'done') AS transcribed,
    count(*) FILTER (state = 'failed') AS failed,
    round(sum(duration_s) FILTER (state = 'done') / 3600, 2) AS audio_hours,
    sum(words) AS words,
    round(sum(cost_usd), 4) AS cost_usd,
    count(*) FILTER (state = 'done' AND cost_usd IS NULL) AS cost_unknown
FROM manifest
GROUP BY show_name
ORDER BY cost_usd DESC NULLS LAST, audio_hours DESC NULLS LAST, show_name
