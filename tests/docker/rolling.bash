cases_rolling=()
