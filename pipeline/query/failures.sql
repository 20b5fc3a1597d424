-- Failures by reason, the most frequent first, each with an example.
SELECT
    state,
    reason,
    count(*) AS objects,
    count(*) FILTER (permanent) AS at_fault_themselves,
    round(sum(cost_usd), 4) AS cost_usd,
    max(settled_at) AS last_settled_at,
    min(key) AS example_key,
    arg_min(message, key) AS example_message
FROM manifest
WHERE state IN ('failed', 'uncertain')
GROUP BY state, reason
ORDER BY objects DESC, state, reason
