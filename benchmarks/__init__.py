"""What ``make bench`` runs. Figures are ratios between rivals measured in one run; times alone mean little."""
