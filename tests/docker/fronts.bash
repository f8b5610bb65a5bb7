cases_fronts=()
