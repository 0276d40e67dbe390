"""Computes ratios from measurements and writes them as JSON, pages and plots."""
