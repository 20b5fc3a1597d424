-- Transcripts to look at: what reads wrong (docs/lint.md), and the twenty slowest for their length.
WITH transcripts AS (
    SELECT
        *,
        round(words / (duration_s / 60), 1) AS words_per_minute,
        round(processing_s / (duration_s / 3600), 1) AS processing_s_per_audio_hour
    FROM manifest
    WHERE state = 'done'
),
slowest AS (
    SELECT key, 'slow' AS suspicion
    FROM transcripts
    WHERE processing_s IS NOT NULL AND duration_s >= 60 -- of less than a minute nothing follows
    ORDER BY processing_s_per_audio_hour DESC, key
    LIMIT 20
),
suspected AS (
    SELECT * FROM slowest
    UNION ALL
    SELECT key, unnest(suspect) FROM transcripts
    UNION ALL
    -- Rows that are older than lint tell their figures only.
    SELECT key, 'silent' FROM transcripts WHERE suspect IS NULL AND duration_s >= 600 AND NOT speech
    UNION ALL
    SELECT
        key,
        CASE WHEN words_per_minute < 40 THEN 'few_words' ELSE 'many_words' END
    FROM transcripts
    WHERE
        suspect IS NULL
        AND speech
        AND duration_s >= 60
        AND words_per_minute NOT BETWEEN 40 AND 300
        -- written without spaces between words, so that theirs cannot be counted
        AND coalesce(language, '') NOT IN ('bo', 'ja', 'km', 'lo', 'my', 'th', 'yue', 'zh')
)
SELECT suspicion, key, duration_s, words, words_per_minute, processing_s, processing_s_per_audio_hour, language
FROM suspected
JOIN transcripts USING (key)
ORDER BY suspicion, processing_s_per_audio_hour DESC, key
